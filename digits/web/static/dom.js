/** $.name is the element with that id. */
export const $ = new Proxy({}, { get: (_, id) => document.getElementById(id) });

export function make(tag, properties, ...children) {
	const element = Object.assign(document.createElement(tag), properties);
	element.append(...children);
	return element;
}

export const show = (isShown, ...elements) => elements.forEach((element) => (element.hidden = !isShown));
