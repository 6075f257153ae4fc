#include "apps/berth/declared_options.h"

#include "core/plugin/guard.h"

namespace berth::app {

DeclaredOptions::DeclaredOptions(const plugin::Registry& registry, const std::string& id, const Where& where)
    : task_(registry.create(id, where)) {
  const auto owner = "plugin " + id;
  plugin::guarded({owner, "describe"}, [&] { task_->describe(options_); });
  reader_ = plugin::guarded({owner, "make_reader"}, [&] { return task_->make_reader(); });
  if (!reader_) throw Error(ErrorKind::kPlugin, owner + ", make_reader: returned no reader");
  plugin::guarded({owner, "describe of the reader"}, [&] { reader_->describe(data_); });
  options_.check();
  data_.check();
}

}  // namespace berth::app
