/** Asks for an API key, where the server needs one. */
import { make } from './dom.js';
import { t } from './more-words.js';

let memory = {};
try {
	memory = sessionStorage; // Until the tab is closed; whoever wants a key for longer has a password manager.
} catch {} // Forbidden by the browser.
let asking;

/** The key of this tab, or another if that is wrong: asks once for all requests that wait. Without one, they have this problem. */
export const anotherKey = (problem, wrong) =>
	wrong || !memory.apiKey ? (asking ??= ask(problem, wrong).finally(() => (asking = null))) : memory.apiKey;

function ask(problem, wrong) {
	const words = make('p', {}, t(wrong ? 'wrongKey' : 'key-needed'));
	// Password managers want a name, too.
	const name = make('input', { autocomplete: 'username', value: location.host, hidden: true });
	const field = make('input', { type: 'password', autocomplete: 'current-password', required: true, ariaLabel: t('key') });
	const form = make('form', {}, words, name, field, make('button', {}, t('goOn')));
	const dialog = make('dialog', {}, form);
	document.body.append(dialog);
	dialog.showModal();
	return new Promise((resolve, reject) => {
		form.onsubmit = (event) => {
			event.preventDefault();
			resolve((memory.apiKey = field.value.trim()));
			dialog.close();
		};
		dialog.onclose = () => {
			dialog.remove();
			reject(Object.assign(problem, { message: t('key-needed') }));
		};
	});
}
