/* The public header alone, as C99: it must compile without anything before it, and every function of it must
 * be exported. */
#include <cdsr/cdsr.h>

typedef void (*any_function)(void);

const any_function all_functions[] = {
#define FUNCTION(name) (any_function) name,
#include "functions.inc"
};

int main(void) {
  unsigned i;
  for (i = 0; i < sizeof all_functions / sizeof all_functions[0]; ++i) {
    if (all_functions[i] == 0) return 1;
  }
  return cdsr_api_version() == CDSR_API_VERSION ? 0 : 1;
}
