#include "cicu.h"

#include <unicode/ubrk.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/uregex.h>
#include <unicode/uscript.h>
#include <unicode/utf16.h>

const char *cicu_unicode_version(void) {
    static char text[U_MAX_VERSION_STRING_LENGTH];
    UVersionInfo version;
    u_getUnicodeVersion(version);
    u_versionToString(version, text);
    return text;
}

int32_t cicu_age(uint32_t scalar) {
    UVersionInfo version;
    u_charAge((UChar32)scalar, version);
    return version[0] * 256 + version[1];
}

int32_t cicu_combining_class(uint32_t scalar) { return u_getCombiningClass((UChar32)scalar); }

bool cicu_is_inert(uint32_t scalar, bool compatibility) {
    UErrorCode status = U_ZERO_ERROR;
    const UNormalizer2 *normalizer = compatibility ? unorm2_getNFKDInstance(&status) : unorm2_getNFDInstance(&status);
    return U_SUCCESS(status) && unorm2_isInert(normalizer, (UChar32)scalar);
}

int32_t cicu_decompose(uint32_t scalar, bool compatibility, uint32_t output[CICU_MAX_DECOMPOSITION]) {
    UErrorCode status = U_ZERO_ERROR;
    const UNormalizer2 *normalizer = compatibility ? unorm2_getNFKCInstance(&status) : unorm2_getNFCInstance(&status);
    if (U_FAILURE(status)) return 0;
    UChar units[2 * CICU_MAX_DECOMPOSITION];
    int32_t length = unorm2_getDecomposition(normalizer, (UChar32)scalar, units, 2 * CICU_MAX_DECOMPOSITION, &status);
    if (U_FAILURE(status) || length <= 0) return 0;
    int32_t count = 0;
    for (int32_t i = 0; i < length && count < CICU_MAX_DECOMPOSITION;) {
        UChar32 next;
        U16_NEXT(units, i, length, next);
        output[count++] = (uint32_t)next;
    }
    return count;
}

uint32_t cicu_compose(uint32_t first, uint32_t second) {
    UErrorCode status = U_ZERO_ERROR;
    const UNormalizer2 *normalizer = unorm2_getNFCInstance(&status);
    if (U_FAILURE(status)) return 0;
    UChar32 composed = unorm2_composePair(normalizer, (UChar32)first, (UChar32)second);
    return composed < 0 ? 0 : (uint32_t)composed;
}

bool cicu_joins_grapheme(uint32_t first, uint32_t second) {
    if (first == 0x0D && second == 0x0A) return true;
    int32_t a = u_getIntPropertyValue((UChar32)first, UCHAR_GRAPHEME_CLUSTER_BREAK);
    int32_t b = u_getIntPropertyValue((UChar32)second, UCHAR_GRAPHEME_CLUSTER_BREAK);
    if (a == U_GCB_CONTROL || a == U_GCB_CR || a == U_GCB_LF) return false;
    if (b == U_GCB_CONTROL || b == U_GCB_CR || b == U_GCB_LF) return false;
    switch (b) {
    case U_GCB_EXTEND:
    case U_GCB_ZWJ:
    case U_GCB_SPACING_MARK: return true;
    case U_GCB_L:
    case U_GCB_LV:
    case U_GCB_LVT: return a == U_GCB_L || a == U_GCB_PREPEND;
    case U_GCB_V: return a == U_GCB_L || a == U_GCB_LV || a == U_GCB_V || a == U_GCB_PREPEND;
    case U_GCB_T: return a == U_GCB_LV || a == U_GCB_V || a == U_GCB_LVT || a == U_GCB_T || a == U_GCB_PREPEND;
    default: return a == U_GCB_PREPEND;
    }
}

const char *cicu_script(uint32_t scalar) {
    UErrorCode status = U_ZERO_ERROR;
    UScriptCode script = uscript_getScript((UChar32)scalar, &status);
    if (U_FAILURE(status)) return "Zzzz";
    return uscript_getShortName(script);
}

int32_t cicu_letter_or_number(uint32_t scalar) {
    uint32_t mask = U_MASK(u_charType((UChar32)scalar));
    return mask & U_GC_L_MASK ? 1 : mask & U_GC_N_MASK ? 2 : 0;
}

cicu_regex *cicu_regex_open(const uint16_t *pattern, int32_t length, const char **error) {
    UErrorCode status = U_ZERO_ERROR;
    UParseError place;
    URegularExpression *regex = uregex_open((const UChar *)pattern, length, 0, &place, &status);
    if (U_SUCCESS(status)) return (cicu_regex *)regex;
    *error = u_errorName(status);
    return NULL;
}

cicu_regex *cicu_regex_clone(const cicu_regex *regex) {
    UErrorCode status = U_ZERO_ERROR;
    URegularExpression *copy = uregex_clone((const URegularExpression *)regex, &status);
    return U_SUCCESS(status) ? (cicu_regex *)copy : NULL;
}

void cicu_regex_close(cicu_regex *regex) { uregex_close((URegularExpression *)regex); }

bool cicu_regex_set_text(cicu_regex *regex, const uint16_t *text, int32_t length) {
    UErrorCode status = U_ZERO_ERROR;
    uregex_setText((URegularExpression *)regex, (const UChar *)text, length, &status);
    return U_SUCCESS(status);
}

bool cicu_regex_next(cicu_regex *regex, int32_t *start, int32_t *end) {
    UErrorCode status = U_ZERO_ERROR;
    if (!uregex_findNext((URegularExpression *)regex, &status) || U_FAILURE(status)) return false;
    *start = uregex_start((URegularExpression *)regex, 0, &status);
    *end = uregex_end((URegularExpression *)regex, 0, &status);
    return U_SUCCESS(status);
}

int32_t cicu_script_number(uint32_t scalar) {
    UErrorCode status = U_ZERO_ERROR;
    UScriptCode script = uscript_getScript((UChar32)scalar, &status);
    return U_SUCCESS(status) ? script : USCRIPT_UNKNOWN;
}

bool cicu_has_script(uint32_t scalar, int32_t script) {
    return uscript_hasScript((UChar32)scalar, (UScriptCode)script);
}

int32_t cicu_script_extensions(uint32_t scalar, int32_t scripts[CICU_MAX_SCRIPT_EXTENSIONS]) {
    UErrorCode status = U_ZERO_ERROR;
    UScriptCode codes[CICU_MAX_SCRIPT_EXTENSIONS];
    int32_t count = uscript_getScriptExtensions((UChar32)scalar, codes, CICU_MAX_SCRIPT_EXTENSIONS, &status);
    if (U_FAILURE(status)) return 0;
    for (int32_t i = 0; i < count; i++) scripts[i] = codes[i];
    return count;
}

const char *cicu_script_code(int32_t script) { return uscript_getShortName((UScriptCode)script); }
const char *cicu_script_name(int32_t script) { return uscript_getName((UScriptCode)script); }

int32_t cicu_script_of_code(const char *code) {
    int32_t script = u_getPropertyValueEnum(UCHAR_SCRIPT, code);
    return script == UCHAR_INVALID_CODE ? -1 : script;
}

uint32_t cicu_closing_bracket(uint32_t scalar) {
    if (u_getIntPropertyValue((UChar32)scalar, UCHAR_BIDI_PAIRED_BRACKET_TYPE) != U_BPT_OPEN) return 0;
    return (uint32_t)u_getBidiPairedBracket((UChar32)scalar);
}

bool cicu_is_closing_bracket(uint32_t scalar) {
    return u_getIntPropertyValue((UChar32)scalar, UCHAR_BIDI_PAIRED_BRACKET_TYPE) == U_BPT_CLOSE;
}

cicu_word_breaks *cicu_word_breaks_open(void) {
    UErrorCode status = U_ZERO_ERROR;
    // The root locale: a result must not depend on the environment.
    UBreakIterator *breaks = ubrk_open(UBRK_WORD, "", NULL, 0, &status);
    return U_SUCCESS(status) ? (cicu_word_breaks *)breaks : NULL;
}

void cicu_word_breaks_close(cicu_word_breaks *breaks) { ubrk_close((UBreakIterator *)breaks); }

bool cicu_word_breaks_set_text(cicu_word_breaks *breaks, const uint16_t *text, int32_t length) {
    UErrorCode status = U_ZERO_ERROR;
    ubrk_setText((UBreakIterator *)breaks, (const UChar *)text, length, &status);
    return U_SUCCESS(status) && ubrk_first((UBreakIterator *)breaks) == 0;
}

int32_t cicu_word_breaks_next(cicu_word_breaks *breaks, cicu_word_kind *kind) {
    int32_t end = ubrk_next((UBreakIterator *)breaks);
    if (end == UBRK_DONE) return -1;
    int32_t status = ubrk_getRuleStatus((UBreakIterator *)breaks);
    *kind = status < UBRK_WORD_NONE_LIMIT     ? CICU_WORD_NONE
            : status < UBRK_WORD_NUMBER_LIMIT ? CICU_WORD_NUMBER
            : status < UBRK_WORD_LETTER_LIMIT ? CICU_WORD_LETTERS
            : status < UBRK_WORD_KANA_LIMIT   ? CICU_WORD_KANA
                                              : CICU_WORD_IDEOGRAPHS;
    return end;
}
