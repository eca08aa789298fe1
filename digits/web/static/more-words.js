/** Words of the modules that are loaded when they are needed. */
import { SENTENCES, translate } from './words.js';

export { t } from './words.js';

Object.assign(SENTENCES, {
	'key-needed': ['This server needs an API key.', 'Dieser Server braucht einen API-Schlüssel.', 'Este servidor necesita una clave de API.'],
	'missing-scope': ['Your API key does not allow this.', 'Ihr API-Schlüssel erlaubt das nicht.', 'Su clave de API no lo permite.'],
	forbidden: ['The history is private: open this page at its machine’s own address.', 'Der Verlauf ist privat: Öffnen Sie die Seite unter der Adresse ihres Rechners.', 'El historial es privado: abra la página en la dirección de su máquina.'],
	key: ['API key', 'API-Schlüssel', 'Clave de API'],
	wrongKey: ['This API key is not valid.', 'Dieser API-Schlüssel ist nicht gültig.', 'Esta clave de API no es válida.'],
	goOn: ['Go on', 'Weiter', 'Continuar'],
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

translate({
	label: ['Richtige Zahl', 'Número correcto'],
	save: ['Speichern', 'Guardar'],
	noDigit: ['Keine Ziffer', 'Ningún dígito'],
	right: ['Richtig', 'Correcto'],
	skip: ['Überspringen', 'Saltar'],
	filter: ['Zeigen', 'Mostrar'],
	all: ['Alle', 'Todo'],
	doubtful: ['Nicht erkannt', 'No reconocidos'],
	corrected: ['Korrigiert', 'Corregidos'],
	download: ['Herunterladen', 'Descargar'],
	more: ['Mehr', 'Más'],
});
