import { Problem } from './api.js';

/** Sends a form, tells how much has been sent, and returns the answer's JSON. */
export function post(path, headers, body, onProgress) {
	return new Promise((resolve, reject) => {
		const request = new XMLHttpRequest();
		request.open('POST', path);
		for (const name in headers) request.setRequestHeader(name, headers[name]);
		request.responseType = 'json';
		request.upload.onprogress = ({ loaded, total }) => onProgress(loaded / total);
		request.onerror = () => reject(new Problem());
		request.onload = ({ target: { status, response } }) =>
			status < 300 ? resolve(response) : reject(new Problem(status, response ?? {}));
		request.send(body);
	});
}
