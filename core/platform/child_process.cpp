#include "core/platform/child_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "berth/error.h"

namespace berth::platform {
namespace {

constexpr int kNotStarted = 127;  // as shells have it

// A descriptor that is closed at the end, and in programs that are started.
class Descriptor {
 public:
  Descriptor(const std::filesystem::path& path, int flags) : number_(open(path.c_str(), flags | O_CLOEXEC, 0666)) {
    if (number_ < 0) {
      throw Error(ErrorKind::kIo, {path.string()}, fmt::format("can't be opened: {}", std::strerror(errno)));
    }
  }
  ~Descriptor() { close(number_); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int number() const { return number_; }

 private:
  int number_;
};

// "NAME=VALUE" of this process, with the changes.
std::vector<std::string> environment_with(const std::map<std::string, std::string>& changes) {
  std::vector<std::string> lines;
  for (char** line = environ; *line != nullptr; ++line) {
    const std::string text = *line;
    if (!changes.contains(text.substr(0, text.find('=')))) lines.push_back(text);
  }
  for (const auto& [name, value] : changes) lines.push_back(fmt::format("{}={}", name, value));
  return lines;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

struct Start {
  char* const* arguments;
  char* const* environment;
  pid_t parent;
  int in;
  int out;  // -1: as it is
};

// In the child, of whose memory only what is on the stack is safe: system calls alone. posix_spawn() can't ask for the
// death signal, without which a sweep that is killed would leave its trials training.
[[noreturn]] void become(const Start& start) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != start.parent) _exit(kNotStarted);  // it ended before the line above
  setpgid(0, 0);                                      // Ctrl-C is for the parent, which decides
  dup2(start.in, STDIN_FILENO);
  if (start.out >= 0) {
    dup2(start.out, STDOUT_FILENO);
    dup2(start.out, STDERR_FILENO);
  }
  execve("/proc/self/exe", start.arguments, start.environment);
  _exit(kNotStarted);
}

}  // namespace

ChildProcess::ChildProcess(const ChildOptions& options) {
  const Descriptor in("/dev/null", O_RDONLY);
  std::optional<Descriptor> out;
  if (!options.log.empty()) out.emplace(options.log, O_WRONLY | O_CREAT | O_TRUNC);
  auto arguments = options.arguments;
  arguments.insert(arguments.begin(), "berth");
  auto environment = environment_with(options.environment);
  const auto argument_pointers = pointers_to(arguments);
  const auto environment_pointers = pointers_to(environment);
  const Start start{argument_pointers.data(), environment_pointers.data(), getpid(), in.number(),
                    out ? out->number() : -1};
  pid_ = fork();
  if (pid_ == 0) become(start);
  if (pid_ < 0) throw Error(ErrorKind::kIo, fmt::format("a process can't be started: {}", std::strerror(errno)));
}

ChildProcess::~ChildProcess() {
  if (code_) return;
  kill(pid_, SIGKILL);
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

std::optional<int> ChildProcess::poll() {
  if (code_) return code_;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  signal_ = WIFEXITED(status) ? 0 : WTERMSIG(status);
  code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + signal_;
  return code_;
}

void ChildProcess::send(int signal) const {
  if (!code_) kill(pid_, signal);
}

}  // namespace berth::platform
