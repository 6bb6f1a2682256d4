"""Running a method: schedules, callbacks and the files of a run."""
