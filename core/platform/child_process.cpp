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

// In the child, of whose memory only what is on the stack is safe: system calls alone. posix_spawn() can't ask for the
// death signal, without which a sweep that is killed would leave its trials training.
[[noreturn]] void become(char* const* arguments, pid_t parent, int in, int out) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(kNotStarted);  // it ended before the line above
  setpgid(0, 0);                                // Ctrl-C is for the parent, which decides
  dup2(in, STDIN_FILENO);
  dup2(out, STDOUT_FILENO);
  dup2(out, STDERR_FILENO);
  execv("/proc/self/exe", arguments);
  _exit(kNotStarted);
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& arguments, const std::filesystem::path& log) {
  const Descriptor in("/dev/null", O_RDONLY);
  const Descriptor out(log, O_WRONLY | O_CREAT | O_TRUNC);
  auto copies = arguments;
  std::string name = "berth";
  std::vector<char*> pointers = {name.data()};
  for (auto& argument : copies) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) become(pointers.data(), parent, in.number(), out.number());
  if (pid_ < 0) throw Error(ErrorKind::kIo, fmt::format("a trial can't be started: {}", std::strerror(errno)));
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
  code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return code_;
}

}  // namespace berth::platform
