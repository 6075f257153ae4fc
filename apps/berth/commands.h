// The program's commands. Each says what its command line takes (NAME_usage), parses it and returns the exit code;
// errors are thrown. commands() is the one list of them: for dispatch, help and completions.
#pragma once

#include <span>

#include "apps/berth/command_line.h"

namespace berth::app {

struct Command {
  const char* name;
  const char* summary;
  Usage (*usage)();
  int (*run)(const Arguments&);
};

// In the order that help shows them.
std::span<const Command> commands();

Usage init_usage();
int init(const Arguments& arguments);
Usage run_usage();
int run(const Arguments& arguments);
Usage evaluate_usage();
int evaluate(const Arguments& arguments);
Usage predict_usage();
int predict(const Arguments& arguments);
Usage serve_usage();
int serve(const Arguments& arguments);
Usage export_usage();
int export_task(const Arguments& arguments);
Usage report_usage();
int report(const Arguments& arguments);
Usage analyze_usage();
int analyze(const Arguments& arguments);
Usage compare_usage();
int compare(const Arguments& arguments);
Usage sweep_usage();
int sweep(const Arguments& arguments);
Usage matrix_usage();
int matrix(const Arguments& arguments);
Usage check_usage();
int check(const Arguments& arguments);
Usage plugins_usage();
int plugins(const Arguments& arguments);
Usage schema_usage();
int schema(const Arguments& arguments);
Usage new_plugin_usage();
int new_plugin(const Arguments& arguments);
Usage validate_plugin_usage();
int validate_plugin(const Arguments& arguments);
Usage completions_usage();
int completions(const Arguments& arguments);

}  // namespace berth::app
