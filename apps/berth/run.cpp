// berth run: from a suite to a trained model and its report.
#include <fmt/format.h>

#include <algorithm>
#include <boost/program_options/value_semantic.hpp>
#include <cstdint>
#include <cstdlib>
#include <optional>

#include "apps/berth/commands.h"
#include "apps/berth/interrupt.h"
#include "apps/berth/processes.h"
#include "apps/berth/run_stages.h"
#include "apps/berth/suite_argument.h"
#include "apps/berth/watch.h"
#include "core/debias/prepare.h"
#include "core/debias/teacher.h"
#include "core/device/device.h"
#include "core/distributed/launch.h"
#include "core/platform/folder_lock.h"
#include "core/platform/whole_file.h"
#include "core/report/profile.h"
#include "core/report/run_recorder.h"

namespace berth::app {
namespace po = boost::program_options;

Usage run_usage() {
  Usage usage;
  usage.line = "berth run SUITE.toml [options]";
  usage.summary =
      "Trains the tasks of a suite on one shared encoder and writes a run folder. With --resume, goes on with a run\n"
      "that was stopped, from its newest whole checkpoint, as if it had never stopped.";
  usage.examples =
      "  berth run configs/quickstart.toml\n"
      "  berth run suite.toml --set optimizer.rate=5e-5 --set training.epochs=4 --out runs/faster\n"
      "  berth run --resume runs/faster\n";
  add_suite_argument(usage);
  usage.options.add_options()("out", po::value<std::string>()->value_name("DIR"),
                              "the run folder, new or empty (default: runs/NAME)")(
      "resume", po::value<std::string>()->value_name("RUN_DIR"),
      "go on with this run, with its own suite: no SUITE.toml, no --out, no --set but training.not_finite and "
      "model.device")("profile", po::bool_switch(), "print where the time of a training step went")(
      "processes", po::value<int>()->value_name("N"),
      "train in N processes on this machine that share each batch and its processors (default: 1, or what torchrun, "
      "mpirun or srun started)")("watch", po::value<std::uint16_t>()->implicit_value(0)->value_name("PORT"),
                                 "serve the run's report at 127.0.0.1 while it goes on; --watch=PORT chooses the port");
  add_plugin_path(usage.options);
  return usage;
}

namespace {

// The run to go on with, if there is one.
std::optional<report::RunFolder> resumed_run(const po::variables_map& values) {
  if (!values.contains("resume")) return std::nullopt;
  for (const auto* other : {"suite", "out"}) {
    if (!values.contains(other)) continue;
    throw Error(ErrorKind::kConfig, fmt::format("--resume goes on with a run as it was begun; take '{}' away", other));
  }
  for (const auto& set : sets_of(values)) {
    if (set.starts_with("training.not_finite=") || set.starts_with("model.device=")) continue;
    throw Error(ErrorKind::kConfig, fmt::format("--resume goes on with a run as it was begun, but for "
                                                "training.not_finite and model.device; take '--set {}' "
                                                "away",
                                                set));
  }
  return report::RunFolder::open(values["resume"].as<std::string>());
}

// As --processes says; 1 where this process is one of them, or alone.
int processes_to_start(const po::variables_map& values, const distributed::Place& place) {
  if (!values.contains("processes")) return 1;
  const int count = values["processes"].as<int>();
  if (count < 1) throw Error(ErrorKind::kConfig, fmt::format("--processes is {}; expected at least 1", count));
  return place.size > 1 ? 1 : count;
}

int start_processes(int count, const Arguments& arguments) {
  auto all = arguments;
  all.insert(all.begin(), "run");
  catch_interrupts();
  return distributed::launch({count, all, interrupted_by});
}

// What a run has before its first step. session: in all of its processes; the rest in process 0 alone.
struct Started {
  std::optional<platform::FolderLock> lock;
  std::optional<Watch> watch;
  std::optional<report::RunFolder> folder;
  std::optional<std::filesystem::path> from;  // the checkpoint that it goes on from
  std::optional<training::Session> session;
  bool is_over = false;  // the run that it was to go on with has come to its end
};

void find_checkpoint(const report::RunFolder& resumed, Started& started, report::Console& console) {
  started.lock.emplace(resumed.path());
  started.is_over = report::is_finished(resumed.path());
  if (started.is_over) {
    console.line(fmt::format("{}: the run has come to its end already", resumed.path().string()));
  } else {
    started.from = resumed.newest_whole([&](const std::string& why) { console.line(why); });
  }
}

// Everything that can be wrong in suite and data shows before a folder is made.
training::Session make_session(const suite::Suite& suite, const plugin::Registry& registry) {
  auto session = training::start_session(suite, registry);
  training::plan_of(session);
  for (const auto& task : session.tasks) debias::check(session, task);
  debias::ask_teachers(session, registry);
  return session;
}

void make_folder(const po::variables_map& values, const std::optional<report::RunFolder>& resumed,
                 const suite::Suite& suite, Started& started, report::Console& console) {
  auto resolved = suite;
  resolved.model.precision = started.session->suite.model.precision;  // what "auto" is here
  const auto out = values.contains("out") ? std::filesystem::path(values["out"].as<std::string>())
                                          : report::RunFolder::free_path(suite.name);
  if (values.contains("watch")) {
    started.watch.emplace(resumed ? resumed->path() : out, values["watch"].as<std::uint16_t>());
    console.line(fmt::format("watch it at {}", started.watch->url()));
  }
  if (!started.lock) started.lock.emplace(out);
  started.folder = resumed ? *resumed : report::RunFolder::create(out, resolved);
  if (resumed && values.contains("set")) platform::write_text(resumed->suite_file(), suite::to_toml(resolved));
}

// Trains, evaluates and reports, in process 0.
int run_to_end(Started& started, distributed::Group& group, report::Console& console, bool is_profiled) {
  auto& session = *started.session;
  const auto& folder = *started.folder;
  const auto& from = started.from;
  console.line(fmt::format("run folder {}", folder.path().string()));
  if (!group.is_alone()) console.line(fmt::format("{} processes share each batch", group.size()));
  describe_session(session, console);

  report::RunRecorder recorder(folder, session, console, wants_stop);
  training::Trainer trainer(session, recorder, group);
  recorder.follow(trainer);
  if (from) recorder.go_on_from(*from);
  auto result = trainer.result();
  const auto tell = [&](const char* what) {
    recorder.finish(result);
    write_report(folder, session.suite, console);
    const auto saved = recorder.saved_step();
    if (!saved) return;
    console.line(fmt::format("{}; what was learned up to step {} is in {}; `berth run --resume {}` goes on", what,
                             *saved, (folder.checkpoints() / "last").string(), folder.path().string()));
  };
  std::optional<report::Profile> profile;
  if (is_profiled) profile.emplace();
  try {
    trainer.train(from);
    if (profile) console.line(profile->table());
    profile.reset();
    result = trainer.result();
    if (result.ending != training::Ending::kInterrupted) evaluate_sets(session, folder, &recorder, group, console);
  } catch (const evaluation::Stopped&) {
    result.ending = training::Ending::kInterrupted;
  } catch (...) {
    result = trainer.result();
    result.ending = training::Ending::kFailed;
    try {
      tell("failed");
    } catch (const std::exception&) {  // the first error is the one to tell
    }
    throw;
  }
  if (result.ending == training::Ending::kInterrupted) {
    tell("interrupted");
    return interrupted_code();
  }
  recorder.finish(result);
  const bool is_whole = !session.suite.analysis.at_end || try_to_analyze(session, folder, console);
  write_report(folder, session.suite, console);
  if (is_whole) return 0;
  console.line(
      fmt::format("interrupted; the run is whole, and `berth analyze {}` does what was left", folder.path().string()));
  return interrupted_code();
}

// Processes that share a machine with several GPUs take one each.
suite::Suite on_own_device(suite::Suite suite, const distributed::Place& place) {
  suite.model.device = device::of_process(suite.model.device, place.local_rank, place.local_size);
  return suite;
}

int run_here(const po::variables_map& values, const std::optional<report::RunFolder>& resumed,
             const suite::Suite& suite, const plugin::Registry& registry, const distributed::Place& place) {
  report::Console console(stdout);
  share_threads(place, suite);
  distributed::Group group(place, group_options(suite.distributed));
  Started started;
  together(group, [&] {
    if (resumed && group.is_first()) find_checkpoint(*resumed, started, console);
    if (!started.is_over) started.session.emplace(make_session(on_own_device(suite, place), registry));
  });
  if (!group.from_first(started.is_over ? "over" : "").empty()) return 0;
  // From here on there is something to lose.
  catch_interrupts(group.is_alone() ? SecondSignal::kEndsAtOnce : SecondSignal::kEndsLater);
  together(group, [&] {
    if (group.is_first()) make_folder(values, resumed, suite, started, console);
  });
  if (group.is_alone()) return run_to_end(started, group, console, values["profile"].as<bool>());
  const std::filesystem::path path = group.from_first(started.folder ? started.folder->path().string() : "");
  const std::filesystem::path from = group.from_first(started.from ? started.from->string() : "");
  std::optional<report::RunFolder> folder;
  together(group, [&] { folder = shared_folder(path); });
  return end_together(group, [&] {
    if (group.is_first()) return run_to_end(started, group, console, values["profile"].as<bool>());
    return follow(*started.session, group, *folder, from.empty() ? std::nullopt : std::optional(from));
  });
}

}  // namespace

int run(const Arguments& arguments) {
  auto command = run_usage();
  const auto values = parse(command, arguments);
  if (!values) return 0;
  const auto place = distributed::place_from([](const char* name) { return std::getenv(name); });
  const auto resumed = resumed_run(*values);
  const auto suite = resumed ? read_suite_of(*resumed, sets_of(*values)) : read_suite_argument(*values, command);
  const auto registry = find_plugins(*values);
  const int processes = processes_to_start(*values, place);
  check_suite(std::max(processes, place.size), suite);
  if (processes > 1) return start_processes(processes, arguments);
  try {
    return run_here(*values, resumed, suite, registry, place);
  } catch (const ToldElsewhere& told) {
    return told.code;
  }
}

}  // namespace berth::app
