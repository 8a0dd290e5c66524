"""The neighbour graph of more rows than one search should see: overlapping partitions, joined and refined.

Each stage is a function of (work, index) that reads files and writes one: `imgsim.workers` runs them anywhere.

    centroids ▶ assign ▶ (split) ▶ place ▶ build ▶ merge ▶ reverse ▶ refine ▶ manifest
                                     └─ truth: predicted recall              └─ measured recall
"""
