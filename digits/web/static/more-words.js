/** Sentences of the modules that are loaded when they are needed. */
import { SENTENCES } from './words.js';

export { t } from './words.js';

Object.assign(SENTENCES, {
	spaces: ['A space separates lines.', 'Leerzeichen trennen Zeilen.', 'Un espacio separa las líneas.'],
	typeIt: ['Type the number, or press “No digit”.', 'Zahl eingeben, oder „Keine Ziffer“ drücken.', 'Escriba el número o pulse «Ningún dígito».'],
	onlyDigits: ['Only the digits 0 to 9, please.', 'Bitte nur die Ziffern 0 bis 9.', 'Solo los dígitos del 0 al 9.'],
	copied: ['Link copied', 'Link kopiert', 'Enlace copiado'],
	inBar: ['The link is in the address bar.', 'Der Link steht in der Adresszeile.', 'El enlace está en la barra de direcciones.'],
	nothing: ['Nothing here.', 'Hier ist nichts.', 'Aquí no hay nada.'],
	remaining: ['{} left. Keys: digit, Enter (right), N (none), S (skip), Delete', 'Noch {}. Tasten: Ziffer, Enter (richtig), N (keine), S (weiter), Entf', 'Quedan {}. Teclas: dígito, Intro (correcto), N (ninguno), S (saltar), Supr'],
	missing: ['{} left out: gone from the storage.', '{} fehlen: nicht mehr im Speicher.', '{} omitidas: ya no están en el almacén.'],
	useExport: ['This is too much for one zip here. On the server, “digits export” writes it.', 'Das ist hier zu viel für ein Zip. Auf dem Server schreibt es „digits export“.', 'Es demasiado para un zip aquí. En el servidor lo escribe «digits export».'],
});
