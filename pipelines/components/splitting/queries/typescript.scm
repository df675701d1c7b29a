(function_declaration name: (_) @name) @definition
(generator_function_declaration name: (_) @name) @definition
(function_signature name: (_) @name) @definition
(class_declaration name: (_) @name) @definition
(abstract_class_declaration name: (_) @name) @definition
(interface_declaration name: (_) @name) @definition
(type_alias_declaration name: (_) @name) @definition
(enum_declaration name: (_) @name) @definition
(module name: (_) @name) @namespace
(internal_module name: (_) @name) @namespace
(export_statement declaration: (_ name: (_) @name)) @definition
(method_definition name: (_) @name) @definition
(abstract_method_signature name: (_) @name) @definition
(method_signature name: (_) @name) @constant
(public_field_definition name: (_) @name value: [(arrow_function) (function_expression)]) @definition
(variable_declarator
  name: (identifier) @name
  value: [(arrow_function) (function_expression) (generator_function) (class)]) @definition
(assignment_expression
  left: (member_expression object: (_) @owner property: (_) @name)
  right: [(arrow_function) (function_expression) (generator_function) (class)]) @definition
(pair key: (property_identifier) @name value: [(arrow_function) (function_expression)]) @definition
(program
  (lexical_declaration (variable_declarator name: (identifier) @name value: (_) @value) @constant))
(program
  (variable_declaration (variable_declarator name: (identifier) @name value: (_) @value) @constant))
(program
  (export_statement (lexical_declaration (variable_declarator name: (identifier) @name) @constant)))
(ambient_declaration (lexical_declaration (variable_declarator name: (identifier) @name) @constant))
