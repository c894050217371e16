"""What a load needs: from costs that are measured on a machine to cores, memory, links and hosts."""
