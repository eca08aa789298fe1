/** Requests to the server. URLs are relative to the page, so that it works under any path. */
import { t } from './words.js';

/** Until the server names its own. */
export const limits = { bytes: 10 * 2 ** 20, pixels: 25e6 };

class Problem extends Error {
	constructor(status, { type = '', detail } = {}) {
		super(t(status ? type.split('/').at(-1) : 'offline', Math.round(limits.bytes / 2 ** 20)) ?? detail ?? status);
		this.status = status;
		this.isTemporary = !status || status >= 500;
	}
}

const failed = () => {
	throw new Problem();
};

export async function call(path, options) {
	const response = await fetch(path, options).catch(failed);
	if (response.ok) return response;
	throw new Problem(response.status, await response.json().catch(() => {}));
}

export const json = async (...request) => (await call(...request)).json();

/** Sends a picture. Under the same key again it is kept once, even where only the answer was lost. */
export function send(picture, query, key, { onProgress, ...options } = {}) {
	const path = `uploads?${query}`;
	const body = new FormData();
	body.append('file', picture);
	if (!onProgress) return json(path, { method: 'POST', headers: { 'Idempotency-Key': key }, body, ...options });
	// fetch does not tell how much has been sent.
	return new Promise((resolve, reject) => {
		const request = new XMLHttpRequest();
		request.open('POST', path);
		request.setRequestHeader('Idempotency-Key', key);
		request.responseType = 'json';
		request.upload.onprogress = ({ loaded, total }) => onProgress(loaded / total);
		request.onerror = () => reject(new Problem());
		request.onload = ({ target: { status, response } }) =>
			status < 300 ? resolve(response) : reject(new Problem(status, response ?? {}));
		request.send(body);
	});
}
