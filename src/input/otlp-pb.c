/* What protoc-c makes of otlp.proto, without the one warning that its code gives. */
#pragma GCC diagnostic ignored "-Wmissing-braces"
#include "src/input/otlp.pb-c.c"
