/** The review queue: the least sure first, a key for each digit, and the next comes by itself. */
import { correct, current, look } from './answer.js';
import { openCorrection } from './correction.js';
import { $ } from './dom.js';
import { listed } from './history.js';
import { freshPaper } from './paper.js';
import { open } from './queue.js';
import { t } from './more-words.js';

let page;

const isReviewing = () => !$.left.hidden;

export async function review(query = '?order=confidence&labelled=false&total=true') {
	page = await listed(query).catch((problem) => look({ problem, retry: review }));
	if (page) advance();
}

export function advance() {
	const { uploads, next } = page;
	look({});
	freshPaper('');
	if (!uploads.length && next) return review(next);
	$.left.textContent = uploads.length ? t('remaining', page.total--) : t('nothing');
	if (!uploads.length) return;
	open(uploads.shift());
	$.right.focus();
}

$.answer.addEventListener('corrected', () => isReviewing() && advance());
$.right.onclick = () => correct(current().result.number);
$.skip.onclick = advance;

// The second click of a double click, and the repeats of a held key, would fall on the next picture, still unseen.
$.answer.addEventListener('click', (event) => isReviewing() && event.detail > 1 && event.stopPropagation(), true);

document.addEventListener('keydown', (event) => {
	const { key, target, repeat, ctrlKey, metaKey, altKey } = event;
	if (!isReviewing() || !current().result || target === $.label || ctrlKey || metaKey || altKey) return;
	if (repeat) return key === 'Enter' && event.preventDefault();
	const buttons = { n: { click: () => correct('') }, s: $.skip, Delete: $.discard, Enter: target.matches('button, a') ? null : $.right };
	if (!/^\d$/.test(key)) buttons[key]?.click();
	else if (current().result.digits.length > 1) openCorrection('');
	else correct(key);
});
