// What a plugin declares that a suite may say: its task's options, and how its reader reads files.
#pragma once

#include <memory>
#include <string>

#include "berth/dataset.h"
#include "berth/task.h"
#include "core/plugin/registry.h"
#include "core/suite/option_binder.h"

namespace berth::app {

// The declarations bind variables of a task and a reader, which live as long as this.
class DeclaredOptions {
 public:
  // where: who asks. Throws as Registry::create() does, and Error kPlugin for a declaration that is wrong.
  DeclaredOptions(const plugin::Registry& registry, const std::string& id, const Where& where);

  const suite::OptionBinder& options() const { return options_; }  // of [tasks.NAME.options]
  const suite::OptionBinder& data() const { return data_; }        // of [tasks.NAME.data]

 private:
  std::unique_ptr<Task> task_;
  std::unique_ptr<DatasetReader> reader_;
  suite::OptionBinder options_;
  suite::OptionBinder data_;
};

}  // namespace berth::app
