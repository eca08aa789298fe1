import { Component, signal } from '@angular/core';
import { Paper } from './paper';
import { Reading } from './reading';

@Component({
  selector: 'app-root',
  imports: [Paper, Reading],
  template: `
    <header>
      <h1>Handwritten digits</h1>
      <p>Draw a number, or drop pictures anywhere on this page.</p>
    </header>
    <main>
      <section aria-label="Your picture">
        <app-paper (drawn)="read([$event])" />
        <label class="choose">
          Choose pictures
          <input type="file" accept="image/*" multiple #file (change)="read(file.files); file.value = ''" />
        </label>
      </section>
      <section aria-label="What is read" aria-live="polite">
        @for (picture of pictures(); track picture) {
          <app-reading [picture]="picture" />
        } @empty {
          <p class="quiet">What is read appears here.</p>
        }
      </section>
    </main>
  `,
  host: {
    '[class.dropping]': 'dropping()',
    '(dragover)': '$event.preventDefault(); dropping.set(true)',
    '(dragleave)': 'dropping.set(false)',
    '(drop)': '$event.preventDefault(); dropping.set(false); read($event.dataTransfer?.files)',
  },
})
export class App {
  protected readonly pictures = signal<File[]>([]);
  protected readonly dropping = signal(false);

  protected read(pictures: Iterable<File> | null | undefined): void {
    this.pictures.update((earlier) => [...(pictures ?? []), ...earlier]);
  }
}
