#ifndef CICU_H
#define CICU_H
#include <stdbool.h>
#include <stdint.h>

/// The version of Unicode that the ICU library at run time implements, such as "15.0".
const char *cicu_unicode_version(void);

/// The version of Unicode in which a code point was assigned, as major * 256 + minor; 0 when it is not.
int32_t cicu_age(uint32_t scalar);

/// The canonical combining class.
int32_t cicu_combining_class(uint32_t scalar);

/// Whether a code point has no decomposition and the combining class 0.
bool cicu_is_inert(uint32_t scalar, bool compatibility);

/// Room for the longest decomposition of one code point.
#define CICU_MAX_DECOMPOSITION 32

/// Writes the full canonical (or compatibility) decomposition and returns its length; 0 when there is none.
int32_t cicu_decompose(uint32_t scalar, bool compatibility, uint32_t output[CICU_MAX_DECOMPOSITION]);

/// The canonical composition of two code points, or 0.
uint32_t cicu_compose(uint32_t first, uint32_t second);

/// Whether no extended grapheme cluster ends between two neighbouring code points, as far as those two tell.
/// Sequences of regional indicators and of emoji joined by ZWJ need more context and are answered with false.
bool cicu_joins_grapheme(uint32_t first, uint32_t second);

/// ISO 15924 code of the script, such as "Latn"; "Zzzz" when unknown.
const char *cicu_script(uint32_t scalar);

/// ICU's number of the Script property.
int32_t cicu_script_number(uint32_t scalar);

/// Whether a script is among the Script_Extensions of a code point.
bool cicu_has_script(uint32_t scalar, int32_t script);

/// Room for the Script_Extensions of one code point.
#define CICU_MAX_SCRIPT_EXTENSIONS 64

/// Writes the Script_Extensions and returns their number.
int32_t cicu_script_extensions(uint32_t scalar, int32_t scripts[CICU_MAX_SCRIPT_EXTENSIONS]);

/// The ISO 15924 code of a script, such as "Latn", and its name in English; NULL when there is none.
const char *cicu_script_code(int32_t script);
const char *cicu_script_name(int32_t script);

/// The number of the script with an ISO 15924 code or a name, or -1.
int32_t cicu_script_of_code(const char *code);

/// The bracket that closes an opening one; 0 for every other code point.
uint32_t cicu_closing_bracket(uint32_t scalar);
bool cicu_is_closing_bracket(uint32_t scalar);

/// What a segment between two word breaks is.
typedef enum {
    CICU_WORD_NONE, CICU_WORD_NUMBER, CICU_WORD_LETTERS, CICU_WORD_KANA, CICU_WORD_IDEOGRAPHS
} cicu_word_kind;

/// Finds word breaks. One thread at a time may use it.
typedef struct cicu_word_breaks cicu_word_breaks;

/// Returns NULL when ICU's data or memory are missing.
cicu_word_breaks *cicu_word_breaks_open(void);
void cicu_word_breaks_close(cicu_word_breaks *breaks);

/// Sets the text to divide, in UTF-16; it must outlive the search.
bool cicu_word_breaks_set_text(cicu_word_breaks *breaks, const uint16_t *text, int32_t length);

/// The end of the next segment in UTF-16 units and what the segment is; -1 after the last one.
int32_t cicu_word_breaks_next(cicu_word_breaks *breaks, cicu_word_kind *kind);

/// 1 for letters, 2 for numbers, 0 for everything else.
int32_t cicu_letter_or_number(uint32_t scalar);

/// A compiled regular expression. One thread at a time may search with it.
typedef struct cicu_regex cicu_regex;

/// Compiles a pattern given in UTF-16. Returns NULL and writes ICU's name of the error when it is not valid.
cicu_regex *cicu_regex_open(const uint16_t *pattern, int32_t length, const char **error);
cicu_regex *cicu_regex_clone(const cicu_regex *regex);
void cicu_regex_close(cicu_regex *regex);

/// Sets the text to search, in UTF-16; it must outlive the searches.
bool cicu_regex_set_text(cicu_regex *regex, const uint16_t *text, int32_t length);

/// Finds the next match and writes its range in UTF-16 units.
bool cicu_regex_next(cicu_regex *regex, int32_t *start, int32_t *end);
#endif
