#ifndef CICU_H
#define CICU_H
#include <stdint.h>

/// The version of Unicode that the ICU library at run time implements, such as "15.0".
const char *cicu_unicode_version(void);

#endif
