#include "cicu.h"

#include <unicode/uchar.h>

const char *cicu_unicode_version(void) {
    static char text[U_MAX_VERSION_STRING_LENGTH];
    UVersionInfo version;
    u_getUnicodeVersion(version);
    u_versionToString(version, text);
    return text;
}
