(method name: (_) @name) @definition
(singleton_method name: (_) @name) @definition
(class name: [(constant) @name (scope_resolution scope: (_) @owner name: (constant) @name)]) @definition
(module name: [(constant) @name (scope_resolution scope: (_) @owner name: (constant) @name)]) @namespace
(assignment left: (constant) @name) @constant
