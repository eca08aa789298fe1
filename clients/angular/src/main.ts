import { provideHttpClient, withXhr } from '@angular/common/http';
import { bootstrapApplication } from '@angular/platform-browser';
import { App } from './app';

bootstrapApplication(App, {
  providers: [
    provideHttpClient(withXhr()), // fetch, Angular's default, cannot tell how much of an upload is sent.
    // { provide: BACKEND, useValue: 'https://digits.example' },
  ],
}).catch(console.error);
