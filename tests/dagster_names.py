"""Names that people, dashboards and run configurations know the pipeline by; a change of one is a change for them."""

STEPS = {
    "images": ("ingest", "library", ""),
    "features": ("vectors", "library", "images"),
    "embeddings": ("vectors", "library", "features"),
    "neighbor_graph": ("graph", "library", "embeddings"),
    "evaluation": ("quality", "library", "features embeddings neighbor_graph"),
    "duplicates": ("insights", "library", "features embeddings neighbor_graph"),
    "outliers": ("insights", "library", "features embeddings neighbor_graph"),
    "hubness": ("insights", "library", "features embeddings neighbor_graph"),
    "label_errors": ("insights", "library", "features embeddings neighbor_graph"),
    "leaks": ("insights", "library", "features embeddings neighbor_graph duplicates"),
    "quality": ("insights", "library", "features embeddings neighbor_graph"),
    "clusters": ("insights", "library", "features embeddings neighbor_graph"),
    "map": ("insights", "library", "features embeddings neighbor_graph"),
    "coreml_package": ("registry", "library", "features embeddings neighbor_graph"),
    "onnx_package": ("registry", "library", "features embeddings neighbor_graph"),
    "insight_report": (
        "insights",
        "library",
        "features embeddings neighbor_graph evaluation "
        "duplicates outliers hubness label_errors leaks quality clusters map",
    ),
    "registered_model": (
        "registry",
        "3",
        "features embeddings neighbor_graph evaluation coreml_package "
        "duplicates outliers hubness label_errors leaks quality clusters map",
    ),
}
"""Asset to its group, code version (that of the library, or its own) and inputs."""

CHECKS = {
    "images": "not_empty rejected_share",
    "features": "one_per_image rejected_share",
    "embeddings": "finite unit_vectors",
    "neighbor_graph": "invariants",
    "evaluation": "recall_floor",
    "registered_model": "no_worse_than_champion",
    "leaks": "splits_apart",
    "coreml_package": "verified",
    "onnx_package": "verified",
}

CONFIG = {
    "images": "source recursive labels exclude decisions max_rejected_share rehash",
    "features": "backbone weights image_size pooling resize revision cache_dir batch_size device precision "
    "max_rejected_share",
    "embeddings": "projection refine refine_method learn others",
    "neighbor_graph": "k method partition_size overlap seed",
    "evaluation": "k background sample seed min_recall",
    "insights": "flips rotations background split max_leaks seed",
    "map": "seed",
    "coreml_package": "enabled outputs k precision compress minimum_target ids backbone weights verify",
    "onnx_package": "enabled outputs k compress any_size ids verify",
}
"""Step to the fields of its configuration."""

EVERYWHERE = "reused seconds cpu_seconds mlflow_run"
FACTS = {
    "images": "key dagster/row_count source images labels labels_from megabytes rejected skipped skipped_kinds "
    "skipped_files rejected_files sample contact_sheet",
    "features": "key dagster/row_count features dimensions backbone fingerprint precision precision_reason licence "
    "computed ms_per_image undecodable rejected_files thumbnails",
    "embeddings": "key dagster/row_count vectors dimensions feature_dimensions projected refined",
    "neighbor_graph": "key dagster/row_count edges k method build_seconds median_distance distances",
    "evaluation": "key images queries example_neighbors classes weakest_classes copies_left_out recall_at_10 "
    "precision_at_10 precision_at_10_low precision_at_10_high precision_at_10_macro map_at_10 "
    "map_at_10_low map_at_10_high nn1_accuracy nn1_accuracy_low nn1_accuracy_high",
    "insight_report": "key report megabytes",
    "registered_model": "model version aliases champion reason uri",
}
"""Asset to the names of its metadata, besides `EVERYWHERE`."""

INSIGHT_FACTS = "key dagster/row_count found"
"""Names in the metadata of each insight, besides its metrics, and ``pictures`` where it is about pictures."""

METRICS = (
    "images rejected features.computed features.dim embeddings.dim edges graph.build_seconds queries recall_at_10 "
    "precision_at_10 map_at_10 nn1_accuracy"
)
PARAMS = "collection source labels backbone fingerprint precision projection refine learn k graph_method evaluation_k"
