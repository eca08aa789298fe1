/** Requests to the server. URLs are relative to the page, so that it works under any path. */
import { t } from './words.js';

/** Until the server names its own. */
export const limits = { bytes: 10 * 2 ** 20, pixels: 25e6 };

export class Problem extends Error {
	constructor(status, { type = '', detail } = {}) {
		super(t(status ? type.split('/').at(-1) : 'offline', Math.round(limits.bytes / 2 ** 20)) ?? detail ?? status);
		this.status = status;
		this.isTemporary = !(status < 500) || status === 401 || status === 429;
	}
}

const failed = () => {
	throw new Problem();
};

let key;

/** Tries again with another key as long as the server asks for one. */
async function admitted(attempt) {
	const sent = key;
	try {
		return await attempt(sent ? { Authorization: `Bearer ${sent}` } : {});
	} catch (problem) {
		if (problem.status !== 401) throw problem;
		if (key === sent) key = await (await import('./key.js')).anotherKey(problem, sent);
		return admitted(attempt);
	}
}

export const call = (path, options = {}) =>
	admitted(async (authorization) => {
		const response = await fetch(path, { ...options, headers: { ...options.headers, ...authorization } }).catch(failed);
		if (response.ok) return response;
		throw new Problem(response.status, await response.json().catch(() => {}));
	});

export const json = async (...request) => (await call(...request)).json();

/** An answer's link, relative to the page. */
export const local = (link) => link.slice(link.lastIndexOf('uploads/'));

/** Sends a picture. Under the same key again it is kept once, even where only the answer was lost. */
export function send(picture, query, idempotencyKey, { onProgress, ...options } = {}) {
	const path = `uploads?${query}`;
	const body = new FormData();
	body.append('file', picture);
	const headers = { 'Idempotency-Key': idempotencyKey };
	if (!onProgress) return json(path, { method: 'POST', headers, body, ...options });
	// fetch does not tell how much has been sent.
	return admitted(async (authorization) =>
		(await import('./progress.js')).post(path, { ...headers, ...authorization }, body, onProgress),
	);
}
