/** Numbers that write themselves. */
import { markAsSample } from './drawing.js';
import { $, make } from './dom.js';
import { beginStroke, continueStroke, endStroke } from './paper.js';

const STEP_MS = matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : 16;

/** Points x,y in a square of 200. */
const STROKES = {
	2: ['40,50 56,24 90,10 124,12 150,32 152,60 136,92 96,136 40,190 40,190 170,186'],
	4: ['104,10 80,60 30,124 30,124 100,122 170,120', '130,60 128,120 124,194'],
	7: ['36,16 100,18 164,12 164,12 124,90 90,190'],
	'★': ['100,0 100,0 160,190 160,190 4,72 4,72 196,72 196,72 40,190 40,190 100,0 100,0'],
};

let writing = 0;

export const stopWriting = () => (writing += 1);

async function write(number) {
	const mine = stopWriting();
	for (const [place, character] of [...number].entries()) {
		for (const stroke of STROKES[character]) {
			for (const [step, point] of stroke.split(' ').entries()) {
				const [x, y] = point.split(',').map(Number);
				(step ? continueStroke : beginStroke)([x + 400 + (place - number.length / 2) * 220, y + 200, 30]);
				await new Promise((resolve) => setTimeout(resolve, STEP_MS));
				if (mine !== writing) return;
			}
			endStroke();
			markAsSample();
		}
	}
}

$.paper.addEventListener('pointerdown', stopWriting);
$.samples.append(...['7', '42', '★'].map((text) => make('button', { onclick: () => write(text) }, text)));
