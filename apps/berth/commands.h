// The program's commands. Each parses its own arguments and returns the exit code; errors are thrown.
#pragma once

#include "apps/berth/command_line.h"

namespace berth::app {

int run(const Arguments& arguments);
int evaluate(const Arguments& arguments);
int predict(const Arguments& arguments);
int plugins(const Arguments& arguments);
int export_task(const Arguments& arguments);
int analyze(const Arguments& arguments);
int compare(const Arguments& arguments);
int sweep(const Arguments& arguments);
int matrix(const Arguments& arguments);
int check(const Arguments& arguments);
int new_plugin(const Arguments& arguments);
int validate_plugin(const Arguments& arguments);

}  // namespace berth::app
