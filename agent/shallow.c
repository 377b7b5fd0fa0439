#include "agent/shallow.h"

json_t *shallow_parse(const char *text, size_t len, unsigned brackets_max)
{
	unsigned brackets = 0;

	for (size_t i = 0; i < len; i++)
		brackets += text[i] == '{' || text[i] == '[';
	if (brackets > brackets_max)
		return NULL;
	return json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);
}
