/** The paper, with a drawing or a picture. Its canvas fires `begin` and `written`. */
import { $, show } from './dom.js';
import { t } from './words.js';

const canvas = $.paper;
// The same pixels on every screen: turning a phone does not touch the drawing.
const ink = canvas.getContext('2d', { alpha: false });
Object.assign(ink, { fillStyle: 'white', lineCap: 'round', lineJoin: 'round' });

let strokes = [];
let pointer = null;

export const isEmpty = () => !strokes.length;
export const snapshot = () => new Promise((resolve) => canvas.toBlob(resolve));
const tell = (what) => canvas.dispatchEvent(new Event(what));

export function freshPaper(words = t('here')) {
	strokes = [];
	redraw();
	show(false, $.picture);
	$.picture.removeAttribute('src');
	$.words.textContent = words;
}

export function showPicture(src, alt, onerror) {
	freshPaper('');
	Object.assign($.picture, { src, alt, onerror, hidden: false });
}

/** A point is [x, y, width], in pixels of the canvas. */
export function beginStroke(point) {
	if (isEmpty()) freshPaper('');
	tell('begin');
	strokes.push([]);
	continueStroke(point);
}

export function continueStroke(point) {
	strokes.at(-1).push(point);
	drawEnd(strokes.at(-1));
}

export function endStroke() {
	continueStroke(strokes.at(-1).at(-1)); // As far as the last point.
	$.undo.disabled = false;
	tell('written');
}

export function undo() {
	if (pointer !== null || isEmpty()) return;
	strokes.pop();
	redraw();
	tell('begin');
	tell('written');
}

function redraw() {
	ink.fillRect(0, 0, canvas.width, canvas.height);
	for (const stroke of strokes) stroke.forEach((_, last) => drawEnd(stroke.slice(0, last + 1)));
	$.undo.disabled = isEmpty();
}

/** Curves run between the middles of the lines, and bend towards the points. */
function drawEnd(stroke) {
	const [end, before = end, first = before] = stroke.slice(-3).reverse();
	const middle = (a, b) => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
	ink.lineWidth = end[2];
	ink.beginPath();
	ink.moveTo(...middle(first, before));
	ink.quadraticCurveTo(before[0], before[1], ...middle(before, end));
	if (end === first) ink.lineTo(end[0], end[1] + 0.01); // A dot needs some length.
	ink.stroke();
}

function pointOf({ clientX, clientY, pointerType, pressure }) {
	const { left, top, width } = canvas.getBoundingClientRect();
	const scale = canvas.width / width;
	const share = pointerType === 'pen' ? 0.4 + 1.2 * pressure : 1; // An ordinary stroke has a pressure of 0.5.
	return [(clientX - left) * scale, (clientY - top) * scale, $.pen.value * share];
}

canvas.onpointerdown = (event) => {
	// A second pointer is a palm, not another pen.
	if (pointer !== null || event.button) return;
	pointer = event.pointerId;
	canvas.setPointerCapture(pointer);
	beginStroke(pointOf(event));
};
canvas.onpointermove = (event) => {
	if (event.pointerId !== pointer) return;
	const passed = event.getCoalescedEvents?.() ?? [];
	for (const each of passed.length ? passed : [event]) continueStroke(pointOf(each));
};
canvas.onlostpointercapture = (event) => {
	if (event.pointerId !== pointer) return;
	pointer = null;
	endStroke();
};
$.undo.onclick = undo;
