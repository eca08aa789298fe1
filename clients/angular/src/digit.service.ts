import { HttpClient, HttpErrorResponse, HttpEvent } from '@angular/common/http';
import { Injectable, InjectionToken, inject } from '@angular/core';
import { Observable, retry, throwError, timer } from 'rxjs';

/** Address of the backend. main.ts can provide another one. */
export const BACKEND = new InjectionToken('BACKEND', { factory: () => 'http://127.0.0.1:5000' });

/** A picture that was kept, and what is written in it; /openapi.json describes all fields. */
export interface Upload {
  id: string;
  number: string;
  confidence: number;
  recognised: boolean;
  digits: { digit: number; confidence: number; box: { x: number; y: number; width: number; height: number } }[];
  image: { width: number; height: number };
}

@Injectable({ providedIn: 'root' })
export class DigitService {
  private readonly http = inject(HttpClient);
  private readonly backend = inject(BACKEND);

  /** Tells how much is sent, then the answer. */
  recognise(picture: Blob): Observable<HttpEvent<Upload>> {
    const body = new FormData();
    body.append('file', picture, 'digit.png');
    // No Content-Type by hand: the browser adds it, with the boundary that separates the parts.
    // A picture that is sent again under its key is kept once. (randomUUID would need HTTPS.)
    const headers = { 'Idempotency-Key': crypto.getRandomValues(new Uint32Array(4)).join('-') };
    return this.http
      .post<Upload>(`${this.backend}/uploads`, body, { headers, observe: 'events', reportUploadProgress: true })
      .pipe(retry({ count: 2, delay: whenToRetry }));
  }
}

/** Waits if the answer was lost, or a proxy's, or the server is busy: as long as it says. */
function whenToRetry(error: HttpErrorResponse): Observable<unknown> {
  const seconds = Number(error.headers.get('Retry-After')) || 1;
  return [0, 502, 503, 504].includes(error.status) ? timer(1000 * seconds) : throwError(() => error);
}

/** What went wrong, and what to do: the `detail` of the server's problem+json, unless a proxy answered. */
export function sentence(error: HttpErrorResponse): string {
  if (error.status === 0) return 'The server cannot be reached. Check its address and your connection.';
  return error.error?.detail ?? `The server answered ${error.status}. Check its address, and any proxy in front of it.`;
}
