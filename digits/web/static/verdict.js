/** How sure an answer is: a level for its colour, and words. */
import { t } from './words.js';

const SURE = 0.9; // Of these answers, nine in ten are right.

export const percent = (share) => {
	// Rounded down, for nothing short of certainty to be called 100%.
	const style = { style: 'percent', maximumFractionDigits: 1, roundingMode: 'floor' };
	return (share < 0.001 ? '< ' : '') + Math.max(share, 0.001).toLocaleString(document.documentElement.lang, style);
};

/** The probability that this is a digit, whichever it is. */
export const isDigit = ({ confidence, probabilities }) => Math.min(1, confidence / Math.max(...probabilities));

export const levelOf = (confidence, recognised = confidence >= 0.5) =>
	recognised ? (confidence < SURE ? 'fair' : 'sure') : 'unsure';

export function judge({ recognised, confidence, digits, label, text }) {
	if (label != null) return { level: 'said', words: t('said', flat(text)) };
	const level = levelOf(confidence, recognised);
	const verdict = recognised ? '' : t(digits.some((digit) => isDigit(digit) < 0.5) ? 'strange' : 'hard');
	return { level, words: t(level, percent(confidence)), verdict };
}

const flat = (number) => number.replaceAll('\n', ' ');

/** What is written there as far as we know, on one line. */
export const saying = ({ label, text }) => flat(label ?? text) || t('none');
