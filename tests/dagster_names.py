"""Names that people, dashboards and run configurations know the pipeline by; a change of one is a change for them."""

STEPS = {
    "images": ("ingest", "1", ""),
    "features": ("vectors", "1", "images"),
    "embeddings": ("vectors", "1", "features"),
    "neighbor_graph": ("graph", "1", "embeddings"),
    "evaluation": ("quality", "1", "features embeddings neighbor_graph"),
    "duplicates": ("insights", "1", "features embeddings neighbor_graph"),
    "outliers": ("insights", "1", "features embeddings neighbor_graph"),
    "hubness": ("insights", "1", "features embeddings neighbor_graph"),
    "label_errors": ("insights", "1", "features embeddings neighbor_graph"),
    "leaks": ("insights", "1", "features embeddings neighbor_graph duplicates"),
    "quality": ("insights", "1", "features embeddings neighbor_graph"),
    "clusters": ("insights", "1", "features embeddings neighbor_graph"),
    "map": ("insights", "1", "features embeddings neighbor_graph"),
    "coreml_package": ("registry", "1", "features embeddings neighbor_graph"),
    "insight_report": (
        "insights",
        "2",
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
"""Asset to its group, code version and inputs."""

CHECKS = {
    "images": "not_empty rejected_share",
    "features": "one_per_image finite rejected_share",
    "embeddings": "finite unit_vectors",
    "neighbor_graph": "invariants",
    "evaluation": "recall_floor no_worse_than_champion",
    "leaks": "splits_apart",
    "coreml_package": "verified",
}

CONFIG = {
    "images": "source recursive labels max_rejected_share",
    "features": "backbone weights batch_size device max_rejected_share",
    "embeddings": "projection seed",
    "neighbor_graph": "k method partition_size overlap seed",
    "evaluation": "k background sample seed min_recall",
    "insights": "flips rotations background split max_leaks seed",
    "map": "seed",
    "coreml_package": "enabled outputs k precision compress minimum_target ids backbone weights verify",
}
"""Step to the fields of its configuration."""

EVERYWHERE = "reused seconds cpu_seconds mlflow_run"
FACTS = {
    "images": "key dagster/row_count source images labels megabytes rejected skipped_other_files rejected_files sample "
    "contact_sheet",
    "features": "key dagster/row_count features dimensions backbone fingerprint licence computed ms_per_image "
    "undecodable rejected_files thumbnails",
    "embeddings": "key dagster/row_count vectors dimensions feature_dimensions projected",
    "neighbor_graph": "key dagster/row_count edges k method build_seconds median_distance distances",
    "evaluation": "key images queries example_neighbors classes weakest_classes recall_at_10 recall_at_10_low "
    "recall_at_10_high precision_at_10 precision_at_10_low precision_at_10_high precision_at_10_macro map_at_10 "
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
PARAMS = "collection labels backbone fingerprint projection k graph_method evaluation_k"
