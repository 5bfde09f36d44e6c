"use client";
import CampaignPage from "./drop-in";

/** What is rendered in advance is what polled before: nothing has begun. */
export default function Page() {
  return <CampaignPage />;
}
