import uni from '@dcloudio/vite-plugin-uni'
import { defineConfig } from 'vite'

// The plugin is CommonJS: in a module, its function is `default` of the default export.
export default defineConfig({ plugins: [(uni.default ?? uni)()] })
