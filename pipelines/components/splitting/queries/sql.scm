(create_table (object_reference name: (_) @name)) @definition
(create_view (object_reference name: (_) @name)) @definition
(create_materialized_view (object_reference name: (_) @name)) @definition
(create_function (object_reference name: (_) @name)) @definition
(create_trigger (object_reference name: (_) @name)) @definition
(create_type (object_reference name: (_) @name)) @definition
(create_sequence (object_reference name: (_) @name)) @definition
(create_index column: (_) @name) @definition
(create_schema (_) @name) @definition
