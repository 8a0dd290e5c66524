"""The k-NN graph of more rows than one search can handle: overlapping partitions, merged and refined.

Each row lies in several partitions. The graph of each partition is exact or by NN-Descent, a row's neighbours in all of
its partitions are merged, and rounds of neighbours of neighbours find those that share no partition with it.

Each stage is a function of (work, index) that reads shards (files) and writes one, so `imgsim.workers` can run it
anywhere. Stages have the names of their functions and of the folders of their shards:

    centroids ▶ assign ▶ (split) ▶ leaves ▶ leaf_graph ▶ merge ▶ (reverse ▶ refine) per round ▶ finish ▶ manifest
                                     └─ ground_truth: predicted recall                             └─ measured recall
"""
