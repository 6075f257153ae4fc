// All examples of a hostile file, read as a task's reader reads them: for the targets of the plugins' readers.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "berth/dataset.h"
#include "berth/options.h"

namespace berth::fuzz {

// Takes what a reader declares, so that a target can choose among the values.
class DeclaredOptions final : public Options {
 public:
  OptionField& add(OptionField field) override;

  template <typename T>
  void set(const std::string& name, T value) {
    *std::get<T*>(fields_.at(name).target) = std::move(value);
  }
  void set(const std::string& name, const char* value) { set(name, std::string(value)); }

 private:
  std::map<std::string, OptionField> fields_;
};

// Opens the content as a file and reads it to its end or to the first Error, which must be of kind kContent. Calls
// `look` with each example, whose line is one of the file's.
void read_examples(const DatasetReader& reader, std::string_view content,
                   const std::function<void(const Example&)>& look);

// What predict makes of the example's own fields, which the reader must take.
std::unique_ptr<Example> made_again(const DatasetReader& reader, const Example& example);

}  // namespace berth::fuzz
