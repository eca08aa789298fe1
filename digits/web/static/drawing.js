/** What is written: read at every pause, and kept once it is finished. */
import { hideWhy, look } from './answer.js';
import { $ } from './dom.js';
import { freshPaper, isEmpty, showPicture, snapshot } from './paper.js';
import { Picture } from './picture.js';

const PAUSE_MS = 150; // A hand takes longer from one digit to the next.

let drawing = null;
let pause;

/** A sample is kept only if asked for, or once a person draws on it. */
export const markAsSample = () => (drawing.isSample = true);
$.paper.addEventListener('lostpointercapture', () => drawing && (drawing.isSample = false));

/** Keeps the drawing as it stands; if it goes on, the later one replaces it. */
export async function keepDrawing(picture = drawing) {
	const isRefused = picture?.problem && !picture.problem.isTemporary;
	if (!picture?.bytes || picture.isKept || picture.isSample || isRefused || !$.keeps.checked) return;
	await picture.keep();
	if (!picture.problem) return;
	picture.retry = () => keepDrawing(picture);
	if (!$.left.hidden) return ($.problem.textContent = picture.problem.message); // A picture under review must stay.
	if (isEmpty()) showPicture(URL.createObjectURL(await picture.bytes), '');
	look(picture);
}

/** Something else comes. */
export function putAway() {
	clearTimeout(pause);
	drawing?.cancel();
	keepDrawing();
	drawing = null;
}

$.paper.addEventListener('begin', () => {
	clearTimeout(pause);
	drawing?.cancel();
	hideWhy();
	if (!drawing || drawing.isKept) {
		const { result, isSample } = drawing ?? {};
		drawing = new Picture({ earlier: drawing, result, isSample, id: null });
	}
	drawing.problem = null;
});

$.paper.addEventListener('written', () => {
	if (isEmpty()) {
		drawing = null;
		freshPaper();
		return look();
	}
	drawing.blob = snapshot();
	pause = setTimeout(() => {
		look(drawing);
		drawing.read('store=false');
	}, PAUSE_MS);
});

// Phones close hidden pages without a word.
document.addEventListener('visibilitychange', () => document.hidden && keepDrawing());
