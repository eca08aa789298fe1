import { provideHttpClient, withXhr } from '@angular/common/http';
import { bootstrapApplication } from '@angular/platform-browser';
import { App } from './app';

bootstrapApplication(App, {
  providers: [
    provideHttpClient(
      withXhr(), // fetch, Angular's default, cannot tell how much of an upload is sent.
      // If the backend needs an API key. Whoever opens the page can read it: let it only `recognise`.
      // withInterceptors([(request, next) => next(request.clone({ setHeaders: { 'X-API-Key': 'digits_…' } }))]),
    ),
    // { provide: BACKEND, useValue: 'https://digits.example' },
  ],
}).catch(console.error);
