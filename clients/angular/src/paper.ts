import { Component, ElementRef, afterNextRender, output, signal, viewChild } from '@angular/core';

const PEN_PIXELS = 28;

/** White paper to draw on with mouse, finger or pen. */
@Component({
  selector: 'app-paper',
  template: `
    <canvas
      #canvas
      width="640"
      height="480"
      aria-label="Paper to draw on"
      (pointerdown)="start($event)"
      (pointermove)="go($event)"
      (pointerup)="stop($event)"
      (pointercancel)="stop($event)"
    ></canvas>
    <button class="main" type="button" [disabled]="blank()" (click)="send()">Read it</button>
    <button type="button" [disabled]="blank()" (click)="clear()">Clear</button>
  `,
})
export class Paper {
  readonly drawn = output<File>();
  protected readonly blank = signal(true);
  private pointer: number | null = null;
  private readonly canvas = viewChild.required<ElementRef<HTMLCanvasElement>>('canvas');
  private ink!: CanvasRenderingContext2D;

  constructor() {
    afterNextRender(() => {
      this.ink = this.canvas().nativeElement.getContext('2d', { alpha: false })!;
      Object.assign(this.ink, { fillStyle: 'white', lineWidth: PEN_PIXELS, lineCap: 'round', lineJoin: 'round' });
      this.clear();
    });
  }

  protected start(event: PointerEvent): void {
    if (this.pointer !== null || event.button !== 0) return; // A second pointer is a palm, not another pen.
    this.pointer = event.pointerId;
    this.canvas().nativeElement.setPointerCapture(event.pointerId);
    this.ink.beginPath();
    this.go(event);
    this.go(event); // A line to where it starts, so that a tap leaves a dot.
    this.blank.set(false);
  }

  protected go(event: PointerEvent): void {
    if (event.pointerId !== this.pointer) return;
    const { width, height, clientWidth, clientHeight } = this.canvas().nativeElement;
    this.ink.lineTo((event.offsetX * width) / clientWidth, (event.offsetY * height) / clientHeight);
    this.ink.stroke();
  }

  protected stop(event: PointerEvent): void {
    if (event.pointerId === this.pointer) this.pointer = null;
  }

  protected clear(): void {
    this.ink.fillRect(0, 0, this.ink.canvas.width, this.ink.canvas.height);
    this.blank.set(true);
  }

  protected send(): void {
    this.ink.canvas.toBlob((picture) => this.drawn.emit(new File([picture!], 'your drawing', { type: 'image/png' })));
  }
}
