"""Text becomes nodes that know their line, and problems that say theirs."""
