/** Each digit: a box over the picture, a chip that opens, and bars that correct it. */
import { local } from './api.js';
import { $, make, show } from './dom.js';
import { isDigit, levelOf, percent } from './verdict.js';
import { t } from './words.js';

const SIDE = 28; // Pixels of what the model sees.

let picture;
let result;
let digits;
let open;

export function showDigits(shown, mayCorrect, correct) {
	if (shown.result === result && $.panel.disabled !== mayCorrect) return;
	result = shown.result;
	digits = result?.digits ?? [];
	if (shown !== picture || open >= digits.length) open = -1;
	if (digits.length === 1) open = 0;
	picture = shown;
	const { width = 1, height = 1 } = result?.image ?? {};
	$.boxes.setAttribute('viewBox', `0 0 ${width} ${height}`);
	$.boxes.replaceChildren(...digits.map(box));
	$.chips.replaceChildren(...digits.map(chip));
	show(digits.length > 1, $.chips);
	$.panel.onclick = async ({ target }) => {
		const bar = target.closest('button');
		if (!bar) return;
		await correct(withDigit(bar.value));
		$.panel.querySelector('[aria-pressed=true]')?.focus();
	};
	$.panel.disabled = !mayCorrect;
	showPanel();
}

/** Box and chip of a digit light up together, and open it. */
function linked(element, place) {
	element.onclick = () => {
		open = place === open && digits.length > 1 ? -1 : place;
		showPanel();
	};
	element.onpointerenter = element.onfocus = () => light(place);
	element.onpointerleave = element.onblur = () => light(open);
	return element;
}

function box(digit, place) {
	const rectangle = document.createElementNS($.boxes.namespaceURI, 'rect');
	for (const side in digit.box) rectangle.setAttribute(side, digit.box[side]);
	return linked(rectangle, place);
}

function chip(digit, place) {
	const stands = standing()[place];
	const [className, share] = +stands === digit.digit ? [levelOf(digit.confidence), percent(digit.confidence)] : ['said', ''];
	const parts = [seen(digit, place), make('b', {}, stands), make('small', { className }, share)];
	return linked(make('button', { className: 'chip' }, ...parts), place);
}

function light(place) {
	for (const { children } of [$.boxes, $.chips]) {
		for (const element of children) element.classList.toggle('lit', digits.length > 1 && element === children[place]);
	}
}

/** The person's number if it is as long as ours, or else ours. */
function number() {
	const { label, number: read } = result;
	return label?.length === read.length ? label : read;
}

const standing = () => number().replaceAll('\n', '');

function showPanel() {
	const digit = digits[open];
	light(open);
	[...$.chips.children].forEach((element, place) => (element.ariaExpanded = place === open));
	show(digit, $.panel);
	if (!digit) return;
	const figure = make('figure', {}, seen(digit, open), make('figcaption', {}, t('seen')));
	$.panel.replaceChildren(figure, make('div', {}, ...bars(digit)), make('p', {}, t('press')));
}

/** What the model saw; of kept pictures, all digits side by side. */
function seen({ preview }, place) {
	const count = preview ? 1 : digits.length;
	const image = make('img', { alt: '', src: preview ?? local(result.links.preview) });
	image.style.objectPosition = `${(100 * place) / (count - 1 || 1)}% 0`;
	// Another model than then may see other digits now.
	image.onload = () => show(image.naturalWidth === SIDE * count, image);
	return image;
}

/** The shares of the digits and of none: they sum to 1, and the best is the confidence. */
function bars(digit) {
	const { confidence, label } = result;
	const certain = isDigit(digits.length > 1 ? digit : { ...digit, confidence });
	const shares = [...digit.probabilities.map((share) => share * certain), 1 - certain];
	const now = label === '' ? '' : standing()[open];
	return shares.map((share, place) => {
		const value = '0123456789'.charAt(place);
		const fill = make('i');
		fill.style.width = `${100 * share}%`;
		const row = [make('b', {}, value || t('none')), make('span', {}, fill), share < 0.001 ? '' : percent(share)];
		return make('button', { value, ariaPressed: value === now, disabled: $.panel.disabled }, ...row);
	});
}

/** The number with another digit at the open place, or with none. */
function withDigit(value) {
	let at = 0;
	const changed = number().replace(/\d/g, (old) => (at++ === open ? value : old));
	return changed.replace(/^\n+|\n+$|\n(?=\n)/g, '');
}
