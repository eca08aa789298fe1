/** The answer, and what a person can do about it. */
import { showDigits } from './digits.js';
import { $, show } from './dom.js';
import { judge, saying } from './verdict.js';
import { t } from './words.js';

const SLOW_MS = { busy: 600, slow: 6000 };
const nothing = {};

let shown = nothing;
let timers = [];

export const current = () => shown;

/** Shows the answer to this picture from now on, or invites to write. */
export function look(picture = nothing) {
	if (picture !== shown) show(false, $.correction);
	shown = picture;
	hideWhy();
	refresh(picture);
}

/** Shows a picture's state, if it is looked at. */
export function refresh(picture) {
	picture.onChange?.();
	if (picture !== shown) return;
	const { result, problem, reading, isKept } = picture;
	const mayCorrect = isKept || $.keeps.checked;
	const { level, words, verdict } = result ? judge(result) : { level: '' };
	const number = result ? (result.label ?? result.text) || t('none') : '';
	timers.forEach(clearTimeout);
	timers = Object.entries(reading ? SLOW_MS : {}).map(([name, after]) => setTimeout(note, after, t(name)));
	$.answer.ariaBusy = Boolean(reading);
	$.problem.textContent = problem?.message;
	$.verdict.textContent = verdict;
	$.number.textContent = number;
	$.number.style.setProperty('--columns', Math.max(...number.split('\n').map((line) => line.length)));
	$.reading.className = level;
	note(words, level);
	document.title = result ? saying(result) : $.title.textContent;
	show(problem?.isTemporary, $.again);
	show(picture === nothing, $.welcome);
	show(result, $.actions);
	show(mayCorrect, $.correct, $.share);
	show(!isKept, $.keep);
	show(isKept, $.discard);
	show(result?.label != null, $.takeBack);
	showDigits(picture, mayCorrect, correct);
}

/** Saves what a person says; see Picture.settle. */
export async function correct(label) {
	const picture = shown;
	if (picture.isSaving) return;
	note(t('saving'));
	picture.isSaving = true;
	const isSaved = await picture.settle(label).finally(() => (picture.isSaving = false));
	if (!isSaved || picture !== shown) return;
	show(false, $.correction);
	$.answer.dispatchEvent(new Event('corrected'));
}

function note(words, level = '') {
	$.note.textContent = words;
	$.note.className = level;
}

export function hideWhy() {
	show(false, $.heat, $.whyWords);
	show(true, $.why);
	$.why.ariaPressed = false;
}

$.why.onclick = async () => {
	if (!$.heat.hidden) return hideWhy();
	const picture = shown;
	const src = await picture.explanation().catch(() => {});
	if (picture !== shown) return;
	show(src, $.why, $.heat, $.whyWords);
	if (!src) return;
	Object.assign($.heat, { src, onerror: hideWhy });
	$.why.ariaPressed = true;
};
$.again.onclick = () => shown.retry();
$.correct.onclick = async () => (await import('./correction.js')).toggleCorrection();
$.takeBack.onclick = () => correct(null);
