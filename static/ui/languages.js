/**
 * The language in which a crew shall write: the interface's, unless a person names another.
 * @import { ObjectSchema } from "./fields.js"
 */
import { LANGUAGES, t } from "./i18n/index.js";
import { isLanguage } from "./message.js";

/** Languages to choose from, by their own names; any other may be written. */
const OFFERED = [
  ...Object.values(LANGUAGES),
  ...["Bahasa Melayu", "Deutsch", "Español", "Filipino", "Français", "Português", "Tiếng Việt"],
  ...["العربية", "हिन्दी", "ไทย", "中文", "日本語", "한국어"],
];

/** @param {ObjectSchema} schema @param {string} language @returns {ObjectSchema} */
export function withLanguages(schema, language) {
  const properties = Object.entries(schema.properties ?? {}).map(([name, property]) =>
    isLanguage(name) && !property.enum
      ? [name, { title: t("start.language"), default: language, examples: OFFERED, ...property }]
      : [name, property],
  );
  return { ...schema, properties: Object.fromEntries(properties) };
}
