/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The levers that are files of sysfs: what is to be done, doing it, putting it back. */
#include <errno.h>
#include <string.h>

#include "daemon/quick/levers_state.h"
#include "daemon/quick/levers_sysfs.h"

void levers_note_error(struct lever_deeds *deeds, int error)
{
	if (!deeds->error)
		deeds->error = error;
}

/* What another value than 0 is now was there before us, or somebody has written it since. */
static int plan_disk(struct levers *levers, struct lever_record *record, const char *device,
		     struct lever_deeds *deeds)
{
	char *address = deeds->addresses[deeds->n];
	struct lever_disk *disk;
	int value = 0, r;

	r = lever_disk_address(levers->root, device, record->sid, address, LEVER_ADDRESS_MAX);
	if (r == 0)
		r = lever_retries_read(levers->root, address, &value);
	if (r < 0) {
		*address = '\0';
		return r;
	}
	disk = lever_record_find_disk(record, address);
	if (disk)
		record->next = (size_t)(disk - record->disks) + 1;
	if (value != 0) {
		if (!disk || disk->before != value)
			levers->dirty = true;
		disk = lever_record_add_disk(record, address);
		if (!disk) {
			*address = '\0';
			return -ENOMEM;
		}
		disk->before = value;
		deeds->pull[deeds->n] = true;
	}
	deeds->n_recorded += disk != NULL;
	return 0;
}

void levers_plan_disks(struct levers *levers, struct lever_record *record,
		       const struct lever_wish *wish, struct lever_deeds *deeds)
{
	int r;

	deeds->quick = true;
	for (deeds->n = 0; deeds->n < wish->n_devices; deeds->n++) {
		r = plan_disk(levers, record, wish->devices[deeds->n], deeds);
		if (r < 0) {
			levers_note_error(deeds, r);
			deeds->quick = false;
		}
	}
}

/* Another value than ours was written by somebody (multipathd, at every reload) and is what
 * will have to be put back. */
void levers_plan_recovery(struct levers *levers, struct lever_record *record,
			  const struct lever_wish *wish, struct lever_deeds *deeds)
{
	int value, r;

	if (wish->recovery_tmo_s < 0)
		return;
	r = lever_recovery_read(levers->root, wish->sid, &value);
	if (r < 0) {
		levers_note_error(deeds, r);
		return;
	}
	if (value == wish->recovery_tmo_s)
		return;
	if (!record->recovery || record->recovery_set != value) {
		levers->dirty |= !record->recovery || record->recovery_before != value;
		record->recovery_before = value;
	}
	levers->dirty |= !record->recovery || record->recovery_set != wish->recovery_tmo_s;
	record->recovery = true;
	record->recovery_set = wish->recovery_tmo_s;
	deeds->recovery = true;
}

static bool restore_disk(struct levers *levers, const struct lever_disk *disk)
{
	int value, r = lever_retries_read(levers->root, disk->address, &value);

	if (r == 0 && value == 0)
		r = lever_retries_write(levers->root, disk->address, disk->before);
	return r == 0 || r == -ENOENT || r == -ENODEV;
}

/* Put back the disks that are not among 'keep' (sorted by nothing). */
void levers_restore_disks(struct levers *levers, struct lever_record *record,
			  const struct lever_deeds *keep)
{
	size_t i = record->n_disks, j;

	while (i-- > 0) {
		struct lever_disk *disk = &record->disks[i];

		for (j = 0; keep && j < keep->n; j++)
			if (strcmp(keep->addresses[j], disk->address) == 0)
				break;
		if ((keep && j < keep->n) || !restore_disk(levers, disk))
			continue;
		lever_record_remove_disk(record, disk);
		levers->dirty = true;
	}
}

/* A value that is not ours was written since and stays. */
void levers_restore_recovery(struct levers *levers, struct lever_record *record)
{
	int value, r;

	if (!record->recovery)
		return;
	r = lever_recovery_read(levers->root, record->sid, &value);
	if (r == 0 && value == record->recovery_set)
		r = lever_recovery_write(levers->root, record->sid, record->recovery_before);
	if (r < 0 && r != -ENOENT)
		return;
	record->recovery = false;
	levers->dirty = true;
}

void levers_pull_disks(struct levers *levers, struct lever_deeds *deeds)
{
	size_t i;
	int r;

	for (i = 0; i < deeds->n; i++) {
		r = deeds->pull[i] ? lever_retries_write(levers->root, deeds->addresses[i], 0) : 0;
		if (r < 0) {
			levers_note_error(deeds, r);
			deeds->quick = false;
		}
	}
}
