"""The ground floor: data types, configs, storage, stamps, plugins, geometry, engines and progress."""
