import { PercentPipe } from '@angular/common';
import { HttpErrorResponse, HttpEventType } from '@angular/common/http';
import { Component, DestroyRef, OnInit, inject, input, signal } from '@angular/core';
import { takeUntilDestroyed } from '@angular/core/rxjs-interop';
import { DigitService, Upload, sentence } from './digit.service';

/** A picture, how much of it is sent, and then what is written in it or what is wrong with it. */
@Component({
  selector: 'app-reading',
  imports: [PercentPipe],
  template: `
    @if (url(); as url) {
      <figure>
        <img [src]="url" [alt]="picture().name" (error)="this.url.set('')" />
        @for (digit of upload()?.digits; track $index) {
          <span
            [style.left.%]="(100 * digit.box.x) / upload()!.image.width"
            [style.top.%]="(100 * digit.box.y) / upload()!.image.height"
            [style.width.%]="(100 * digit.box.width) / upload()!.image.width"
            [style.height.%]="(100 * digit.box.height) / upload()!.image.height"
            [title]="digit.digit + ': ' + (digit.confidence | percent: '1.0-1')"
          ></span>
        }
      </figure>
    } @else {
      <p class="quiet">{{ picture().name }}</p>
    }
    <div>
      @if (upload(); as upload) {
        @if (upload.recognised) {
          <output>{{ upload.number }}</output>
          <p class="quiet">{{ upload.confidence | percent: '1.0-1' }} sure</p>
        } @else {
          <p>This does not look like a number.</p>
          <p class="quiet">Best guess: {{ upload.number }}, {{ upload.confidence | percent: '1.0-1' }} sure</p>
        }
      } @else if (problem()) {
        <p role="alert">{{ problem() }}</p>
      } @else {
        <progress [value]="sent()" [attr.aria-label]="picture().name"></progress>
        <p class="quiet">{{ sent() < 1 ? (sent() | percent) + ' sent' : 'Reading …' }}</p>
      }
    </div>
  `,
})
export class Reading implements OnInit {
  readonly picture = input.required<File>();
  protected readonly sent = signal(0);
  protected readonly upload = signal<Upload | null>(null);
  protected readonly problem = signal('');
  /** Of the picture; empty if the browser cannot show it, as with HEIC. */
  protected readonly url = signal('');
  private readonly digits = inject(DigitService);
  private readonly destroyed = inject(DestroyRef);

  ngOnInit(): void {
    const url = URL.createObjectURL(this.picture());
    this.url.set(url);
    this.destroyed.onDestroy(() => URL.revokeObjectURL(url));
    this.digits
      .recognise(this.picture())
      .pipe(takeUntilDestroyed(this.destroyed))
      .subscribe({
        next: (event) => {
          if (event.type === HttpEventType.UploadProgress && event.total) this.sent.set(event.loaded / event.total);
          if (event.type === HttpEventType.Response) this.upload.set(event.body);
        },
        error: (error: HttpErrorResponse) => this.problem.set(sentence(error)),
      });
  }
}
