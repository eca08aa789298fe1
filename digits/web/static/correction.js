/** The field for the right number: Enter saves, Escape cancels. */
import { correct, current } from './answer.js';
import { $, show } from './dom.js';
import { t } from './more-words.js';

/** Opens the field with what stands there, or closes it. */
export function toggleCorrection() {
	if ($.correction.hidden) openCorrection();
	else show(false, $.correction);
}

export function openCorrection(typed = current().result.label ?? current().result.number) {
	show(true, $.correction);
	$.hint.textContent = t('spaces');
	$.label.value = typed.replaceAll('\n', ' ');
	$.label.focus();
}

async function save(label) {
	await correct(label);
	if ($.correction.hidden) $.takeBack.focus();
}

$.noDigit.onclick = () => save('');
$.correction.addEventListener('keydown', ({ key }) => {
	if (key !== 'Escape') return;
	show(false, $.correction);
	$.correct.focus();
});
$.correction.onsubmit = (event) => {
	event.preventDefault();
	const label = $.label.value.trim().replace(/\s+/g, '\n');
	if (/^[0-9\n]+$/.test(label)) save(label);
	else $.hint.textContent = t(label ? 'onlyDigits' : 'typeIt');
};
