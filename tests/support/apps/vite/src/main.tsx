import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import CampaignPage from "./drop-in";

const root = document.getElementById("root");
if (root)
  createRoot(root).render(
    <StrictMode>
      <CampaignPage />
    </StrictMode>,
  );
