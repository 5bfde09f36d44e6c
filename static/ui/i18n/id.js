/** @import en from "./en.js" */

/** Interface copy in Indonesian. @satisfies {Record<keyof typeof en, string>} */
const id = {
  "app.skip": "Lompat ke proses",
  "app.missing": "Bagian halaman ini tidak dapat dimuat.",
  "app.reload": "Muat ulang halaman",
  "app.language": "Bahasa",
  "app.theme": "Tema",
  "theme.system": "Sistem",
  "theme.light": "Terang",
  "theme.dark": "Gelap",
  "demo": "Tidak ada model bahasa yang bekerja: teks contoh.",

  "inbox": "Kotak masuk",
  "inbox.waiting": "Menunggu Anda",
  "inbox.nothing": "Tidak ada yang menunggu Anda.",
  "inbox.none": "Belum ada proses.",
  "inbox.new": "Proses baru",
  "inbox.search": "Cari",
  "inbox.show": "Tampilkan",
  "inbox.all": "Semua",
  "inbox.mine": "Milik saya",
  "inbox.decided": "Diputuskan",
  "inbox.older": "Lebih lama",
  "inbox.not_found": "Tidak ditemukan.",
  "inbox.talks": "Percakapan",
  "inbox.turns": "{n} proses",
  "inbox.turns_one": "1 proses",

  "keys.title": "Tombol",

  "link.open": "Langsung",
  "link.connecting": "Menyambung",
  "link.waiting": "Tidak tersambung",
  "link.closed": "Terputus",
  "link.idle": "Luring",
  "link.lost": "Tidak tersambung. Ketikan Anda disimpan.",
  "link.retry": "Mencoba lagi dalam {time}.",
  "link.refused": "Server mengakhiri sambungan: {reason}.",
  "link.now": "Coba sekarang",

  "sign_in.out": "Keluar",

  "state.queued": "Antre",
  "state.running": "Berjalan",
  "state.waiting": "Menunggu",
  "state.paused": "Dijeda",
  "state.parked": "Menunggu, diistirahatkan",
  "state.completed": "Selesai",
  "state.failed": "Gagal",
  "state.stopped": "Dihentikan",
  "state.cancelled": "Dibatalkan",

  "start.title": "Mulai proses",
  "start.crew": "Kru",
  "start.language": "Bahasa keluaran",
  "start.ask": "Tanyai saya",
  "start.ask.hint": "Kru berhenti di titik-titik ini dan menunggu jawaban Anda.",
  "start.required": "selalu",
  "start.before": "Sebelum {task}",
  "start.after": "Setelah {task}",
  "start.submit": "Mulai proses",
  "start.sending": "Memulai…",
  "start.broken": "Kru ini tidak dapat berjalan: {reason}",
  "start.empty": "Belum ada kru terdaftar. Daftar terisi begitu sebuah pekerja melaporkannya.",
  "start.missing": "Harap diisi",
  "start.number": "Harus berupa angka",
  "start.json": "Harus berupa JSON",
  "start.choose": "Pilih…",

  "run.loading": "Membuka…",

  "thread.asks": "“{title}” menunggu jawaban",

  "card.left": "{time} lagi",

  "error.rate_limited": "Terlalu banyak perintah sekaligus. Coba lagi sebentar.",
  "error.unavailable": "Server tidak dapat menjangkau penyimpanannya. Coba lagi sebentar.",
  "error.timeout": "Tidak ada jawaban. Ketikan Anda disimpan; coba lagi.",
};
export default id;
