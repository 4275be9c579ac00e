/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of `mpathiscsi enable` and `disable`. */
#include "daemon/enable_report.h"
#include "daemon/fold.h"

#include <json-c/json.h>

static struct json_object *json_luns(const struct fragment *f)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < f->n_luns; i++) {
		const struct fragment_lun *lun = &f->luns[i];
		struct json_object *o = json_object_new_object();

		json_object_object_add(o, "wwid", json_object_new_string(lun->wwid));
		json_object_object_add(o, "prio_args",
				       json_object_new_string(lun->prio_args));
		if (lun->no_path_retry) {
			json_object_object_add(o, "no_path_retry",
					       json_object_new_int64(lun->no_path_retry));
			json_object_object_add(o, "no_path_retry_before",
					       json_object_new_string(lun->stock_retry));
		}
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *json_arrays(const struct fragment *f)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < f->n_arrays; i++) {
		const struct fragment_array *a = &f->arrays[i];
		struct json_object *o = json_object_new_object();

		json_object_object_add(o, "vendor", json_object_new_string(a->vendor));
		json_object_object_add(o, "product", json_object_new_string(a->product));
		json_object_object_add(o, "path_checker_before",
				       json_object_new_string(a->stock_checker));
		json_object_array_add(list, o);
	}
	return list;
}

static struct json_object *json_notes(const struct notes *notes)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < notes->n; i++) {
		struct json_object *o = json_object_new_object();

		json_object_object_add(
			o, "level",
			json_object_new_string(note_level_name(notes->list[i].level)));
		json_object_object_add(o, "text",
				       json_object_new_string(notes->list[i].text));
		json_object_array_add(list, o);
	}
	return list;
}

static void print_json(FILE *out, const struct enable_report *report, int code)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "file", json_object_new_string(report->path));
	json_object_object_add(o, "dry_run", json_object_new_boolean(report->dry_run));
	json_object_object_add(o, "enabled",
			       json_object_new_boolean(report->text != NULL));
	json_object_object_add(o, "changed", json_object_new_boolean(report->changed));
	json_object_object_add(o, "reconfigured",
			       json_object_new_boolean(report->reconfigured));
	json_object_object_add(o, "multipathd_running",
			       json_object_new_boolean(report->daemon_runs));
	json_object_object_add(o, "arrays", json_arrays(report->fragment));
	json_object_object_add(o, "luns", json_luns(report->fragment));
	json_object_object_add(o, "notes", json_notes(report->notes));
	json_object_object_add(o, "exit", json_object_new_int(code));
	if (report->dry_run && report->text)
		json_object_object_add(o, "text", json_object_new_string(report->text));
	fprintf(out, "%s\n",
		json_object_to_json_string_ext(
			o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}

static void print_notes(FILE *out, const struct notes *notes)
{
	for (size_t i = 0; i < notes->n; i++) {
		const struct note *note = &notes->list[i];
		char line[NOTE_MAX + 32];

		snprintf(line, sizeof(line), "%s%s%s",
			 note->level == NOTE_INFO ? "" : note_level_name(note->level),
			 note->level == NOTE_INFO ? "" : ": ", note->text);
		fold_print(out, 0, line);
	}
}

void enable_report(FILE *out, const struct enable_report *report, int code,
		   const char *sentence)
{
	if (report->json) {
		print_json(out, report, code);
		return;
	}
	if (report->dry_run && report->text)
		fprintf(out, "%s\n", report->text);
	print_notes(out, report->notes);
	if (sentence)
		fprintf(out, "%s\n", sentence);
}
