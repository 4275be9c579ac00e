/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/fold.h"

#include <stdbool.h>
#include <string.h>

void fold_print(FILE *out, int indent, const char *text)
{
	int column = indent; /* where the next word would begin */
	bool first = true;   /* word of its line */
	size_t length;

	fprintf(out, "%*s", indent, "");
	for (text += strspn(text, " "); *text; text += strspn(text, " ")) {
		length = strcspn(text, " ");
		if (!first && column + 1 + (int)length > FOLD_WIDTH) {
			fprintf(out, "\n%*s", indent + 2, "");
			column = indent + 2;
		} else if (!first) {
			fputc(' ', out);
			column++;
		}
		fwrite(text, 1, length, out);
		column += (int)length;
		first = false;
		text += length;
	}
	fputc('\n', out);
}
